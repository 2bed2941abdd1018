/* SPDX-License-Identifier: MIT */
/*
 * ports.c - the ports of this host that belong to sessions' proxies
 */
#include "core/ports.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define MAGIC 0x706f72747331ULL /* "ports1" */
#define WORDS (65536U / 64U)

#ifndef F_SEAL_FUTURE_WRITE /* Linux 5.1 */
#	define F_SEAL_FUTURE_WRITE 0x0010
#endif

struct ports {
	uint64_t magic;
	_Atomic uint64_t bits[WORDS];
};

int ports_create(int *ret_fd, struct ports **ret)
{
	static const int seals = F_SEAL_SHRINK | F_SEAL_GROW |
				 F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
	_cleanup_close_ int fd =
		memfd_create("agentsh-ports", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct ports *p;

	if (fd < 0 || ftruncate(fd, sizeof(*p)) < 0)
		return -errno;
	p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	p->magic = MAGIC;
	if (fcntl(fd, F_ADD_SEALS, seals) < 0) {
		int r = -errno;

		(void)munmap(p, sizeof(*p));
		return r;
	}
	*ret_fd = TAKE_FD(fd);
	*ret = p;
	return 0;
}

int ports_map(int fd, const struct ports **ret)
{
	const struct ports *p;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size != (off_t)sizeof(*p))
		return -EBADMSG;
	p = mmap(NULL, sizeof(*p), PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	if (p->magic != MAGIC) {
		(void)ports_unmap(p);
		return -EBADMSG;
	}
	*ret = p;
	return 0;
}

struct ports *ports_unmap(const struct ports *p)
{
	if (p) /* munmap() takes no const */
		(void)munmap((void *)(uintptr_t)p, sizeof(*p));
	return NULL;
}

void ports_set(struct ports *p, uint16_t port, bool taken)
{
	const uint64_t bit = 1ULL << (port % 64U);

	if (!p || !port)
		return;
	if (taken)
		(void)atomic_fetch_or(&p->bits[port / 64U], bit);
	else
		(void)atomic_fetch_and(&p->bits[port / 64U], ~bit);
}

bool ports_has(const struct ports *p, uint16_t port)
{
	if (!p || !port)
		return false;
	return atomic_load_explicit(&p->bits[port / 64U],
				    memory_order_relaxed) >>
		       (port % 64U) &
	       1U;
}
