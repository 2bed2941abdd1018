/* SPDX-License-Identifier: MIT */
/*
 * bind.h - what tables of base/yamlbind.h need for the structs of rules.h
 */
#ifndef POLICY_BIND_H
#define POLICY_BIND_H

#include "base/yamlbind.h"
#include "policy/rules.h"

/* For BIND_FN: struct rule_text, struct rule_list, struct rule_pairs. */
bind_fn bind_rule_text, bind_rule_list, bind_rule_pairs;

#endif
