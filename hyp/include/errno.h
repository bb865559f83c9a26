/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Error numbers of L0, returned negated. Linux's values, so that a number in a log is familiar.
 */
#ifndef VEL2_ERRNO_H
#define VEL2_ERRNO_H

#define EPERM 1
#define ENOENT 2
#define EIO 5
#define E2BIG 7
#define ENOEXEC 8
#define EAGAIN 11
#define ENOMEM 12
#define EFAULT 14
#define EBUSY 16
#define EEXIST 17
#define ENODEV 19
#define EINVAL 22
#define ENOSPC 28
#define ERANGE 34
#define ENOSYS 38
#define ENODATA 61
#define EOPNOTSUPP 95
#define ETIMEDOUT 110

#endif /* VEL2_ERRNO_H */
