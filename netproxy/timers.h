/* SPDX-License-Identifier: MIT */
/*
 * timers.h - the proxy's time-outs, in a build for tests a thousand times as
 * short
 *
 * A day of silence passes there in a minute and a half (net/day): a timer that
 * applied to a living stream would end it.
 */
#ifndef NETPROXY_TIMERS_H
#define NETPROXY_TIMERS_H

#ifndef NETPROXY_HURRY
#	define NETPROXY_HURRY 1ULL
#endif

#define TIMER_NS(ns) ((ns) / NETPROXY_HURRY)

#endif
