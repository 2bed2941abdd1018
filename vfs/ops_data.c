/* SPDX-License-Identifier: MIT */
/*
 * ops_data.c - what open files hold: what is not passed through, or never is
 *
 * Files that were opened with O_DIRECT are read and written here though they
 * are passed through otherwise: a backing file stays as it was opened, and
 * F_SETFL may switch O_DIRECT off (dd does, for the last block).
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vfs/caller.h"
#include "vfs/request.h"

#define FUSE_BUF_COPY_FLAGS_NONE ((enum fuse_buf_copy_flags)0)

/* What the file system wants of O_DIRECT: a multiple of this. Kernel 6.1; where
 * it does not say, all will do. */
#define DIO_MASK         0x2000U
#define DIO_OFFSET_ALIGN 0x9c /* in struct statx */

static uint32_t dio_align(int fd)
{
	struct statx sx = { 0 };
	uint32_t n = 0;

	if (statx(fd, "", AT_EMPTY_PATH, DIO_MASK, &sx) == 0 &&
	    sx.stx_mask & DIO_MASK)
		memcpy(&n, (const char *)&sx + DIO_OFFSET_ALIGN, sizeof(n));
	return n > 1 ? n : 1;
}

/* Of a file that was opened with O_DIRECT what is read and written comes here
 * (file_setup()). flags: those of now. */
static bool is_misaligned(struct file *f, int fd, int flags, off_t off,
			  size_t n)
{
	uint32_t align;

	if (!(flags & O_DIRECT))
		return false;
	align = __atomic_load_n(&f->align, __ATOMIC_RELAXED);
	if (align == 0) {
		align = dio_align(fd);
		__atomic_store_n(&f->align, align, __ATOMIC_RELAXED);
	}
	return ((uint64_t)off | n) % align != 0;
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	struct fuse_bufvec buf = FUSE_BUFVEC_INIT(size);
	int fd = file_fd(rq_vfs(req), rq_file(fi));

	(void)ino;
	if (fd >= 0 && is_misaligned(rq_file(fi), fd, fi->flags, off, size))
		fd = -EINVAL;
	if (fd < 0) {
		rq_err(req, fd);
		return;
	}
	buf.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	buf.buf[0].fd = fd;
	buf.buf[0].pos = off;
	(void)fuse_reply_data(req, &buf, FUSE_BUF_COPY_FLAGS_NONE);
}

/*
 * Of what could only append the length alone is on record, and O_APPEND may have
 * been switched off since (F_SETFL, RWF_NOAPPEND).
 */
static int keep_before_write(fuse_req_t req, const struct file *f, int fd,
			     off_t off)
{
	struct stat st;

	if ((f->flags & (O_ACCMODE | O_APPEND)) != (O_WRONLY | O_APPEND))
		return 0;
	if (fstat(fd, &st) == 0 && off >= st.st_size)
		return 0;
	return file_keep(req, f->inode, fd, O_RDWR);
}

static void op_write_buf(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *in,
			 off_t off, struct fuse_file_info *fi)
{
	struct fuse_bufvec out = FUSE_BUFVEC_INIT(fuse_buf_size(in));
	int fd = file_fd(rq_vfs(req), rq_file(fi)), r;
	ssize_t n;

	(void)ino;
	r = fd < 0 ? fd : keep_before_write(req, rq_file(fi), fd, off);
	if (r == 0 &&
	    is_misaligned(rq_file(fi), fd, fi->flags, off, fuse_buf_size(in)))
		r = -EINVAL;
	if (r < 0) {
		rq_err(req, r);
		return;
	}
	out.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	out.buf[0].fd = fd;
	out.buf[0].pos = off;
	cred_stranger(rq_vfs(req));
	/* What was mapped and written has been judged by then. */
	cred_fsetid(fi->writepage || caller_writes_setid(caller_of(req), fd));
	n = fuse_buf_copy(&out, in, FUSE_BUF_COPY_FLAGS_NONE);
	cred_fsetid(false);
	if (n < 0)
		rq_err(req, (int)n);
	else
		(void)fuse_reply_write(req, (size_t)n);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
		     struct fuse_file_info *fi)
{
	int fd = file_fd(rq_vfs(req), rq_file(fi)), r;

	(void)ino;
	if (fd < 0) {
		rq_err(req, fd);
		return;
	}
	session_block(rq_vfs(req)->session);
	r = (datasync ? fdatasync(fd) : fsync(fd)) < 0 ? -errno : 0;
	session_unblock(rq_vfs(req)->session);
	rq_err(req, r);
}

static void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off,
			 off_t length, struct fuse_file_info *fi)
{
	struct file *f = rq_file(fi);
	int fd = file_fd(rq_vfs(req), f), r = 0;

	(void)ino;
	/* Of what could only append the length alone is on record. */
	if (fd >= 0 && f->flags & O_APPEND && mode & ~FALLOC_FL_KEEP_SIZE)
		r = file_keep(req, f->inode, fd, O_RDWR);
	if (fd < 0 || r < 0) {
		rq_err(req, fd < 0 ? fd : r);
		return;
	}
	session_block(rq_vfs(req)->session);
	cred_stranger(rq_vfs(req));
	cred_fsetid(caller_writes_setid(caller_of(req), fd));
	r = fallocate(fd, mode, off, length) < 0 ? -errno : 0;
	cred_fsetid(false);
	session_unblock(rq_vfs(req)->session);
	rq_err(req, r);
}

static void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
		     struct fuse_file_info *fi)
{
	int fd = file_fd(rq_vfs(req), rq_file(fi));
	off_t r;

	(void)ino;
	if (fd < 0) {
		rq_err(req, fd);
		return;
	}
	r = lseek(fd, off, whence);
	if (r < 0)
		rq_err(req, -errno);
	else
		(void)fuse_reply_lseek(req, r);
}

static void op_copy_file_range(fuse_req_t req, fuse_ino_t in, off_t off_in,
			       struct fuse_file_info *fi_in, fuse_ino_t out,
			       off_t off_out, struct fuse_file_info *fi_out,
			       size_t len, int flags)
{
	struct vfs *v = rq_vfs(req);
	int from = file_fd(v, rq_file(fi_in)), to = file_fd(v, rq_file(fi_out));
	ssize_t n;

	(void)in;
	(void)out;
	if (from < 0 || to < 0) {
		rq_err(req, from < 0 ? from : to);
		return;
	}
	session_block(v->session);
	cred_stranger(v);
	cred_fsetid(caller_writes_setid(caller_of(req), to));
	n = copy_file_range(from, &off_in, to, &off_out, len,
			    (unsigned int)flags);
	if (n < 0)
		n = -errno;
	cred_fsetid(false);
	session_unblock(v->session);
	if (n < 0)
		rq_err(req, (int)n);
	else
		(void)fuse_reply_write(req, (size_t)n);
}

/* Inode flags: what chattr and lsattr ask. */
static void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd,
		     void *arg, struct fuse_file_info *fi, unsigned int flags,
		     const void *in, size_t in_size, size_t out_size)
{
	struct vfs *v = rq_vfs(req);
	struct inode *i = rq_inode(v, ino);
	unsigned char data[64] = { 0 };
	int fd, held, r;

	(void)arg;
	(void)fi;
	if (flags & FUSE_IOCTL_UNRESTRICTED || in_size > sizeof(data) ||
	    out_size > sizeof(data)) {
		rq_err(req, -ENOTTY);
		return;
	}
	held = inode_fd(&v->inodes, i);
	fd = held < 0 ? held : file_reopen(held, O_RDONLY);
	if (in_size)
		memcpy(data, in, in_size);
	r = fd < 0 ? fd : ioctl(fd, cmd, data);
	if (r < 0 && fd >= 0)
		r = -errno;
	if (fd >= 0)
		(void)close(fd);
	if (held >= 0)
		inode_put_fd(&v->inodes, i);
	if (r < 0)
		rq_err(req, r);
	else
		(void)fuse_reply_ioctl(req, r, data, out_size);
}

void ops_data(struct fuse_lowlevel_ops *o)
{
	o->read = op_read;
	o->write_buf = op_write_buf;
	o->fsync = op_fsync;
	o->fallocate = op_fallocate;
	o->lseek = op_lseek;
	o->copy_file_range = op_copy_file_range;
	o->ioctl = op_ioctl;
}
