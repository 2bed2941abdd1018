/* SPDX-License-Identifier: MIT */
/*
 * wakeful.h - idle CPUs stay awake while requests flow
 */
#ifndef CORE_WAKEFUL_H
#define CORE_WAKEFUL_H

/* Looked at every so many requests. */
#define WAKEFUL_BURST 16U

/*
 * Once per process, while it still may open /dev/cpu_dma_latency. -errno: not
 * possible or of no use here (no privilege, another idle driver, many CPUs);
 * everything below does nothing then. Not after a fork without exec: the child
 * would hold the request, too.
 */
int wakeful_start(void);
/* The same with a descriptor (taken, also on failure) for the device. */
int wakeful_start_at(int fd);
/* Lets go. As does the end of the process, however it ends. */
void wakeful_stop(void);

/* For wakeful_touch() only. */
extern unsigned int wakeful_count;
void wakeful_burst(void);

/* A request was taken: by any thread, lost counts do not matter. */
static inline void wakeful_touch(void)
{
	unsigned int n = __atomic_load_n(&wakeful_count, __ATOMIC_RELAXED) + 1;

	__atomic_store_n(&wakeful_count, n, __ATOMIC_RELAXED);
	if (n % WAKEFUL_BURST == 0)
		wakeful_burst();
}

#endif
