/* SPDX-License-Identifier: ISC */
/* A descriptor on its way from the keeper to the front: see run.h. */
#include "run.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	char buf[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

bool
channel_tell(int channel, enum word word, int fd)
{
	unsigned char byte = (unsigned char)word;
	union control control;
	struct iovec iov = {&byte, 1};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd != -1) {
		message.msg_control = control.buf;
		message.msg_controllen = sizeof(control.buf);
		memset(&control, 0, sizeof(control));
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	return sendmsg(channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

enum word
channel_hear(int channel, int *fd)
{
	unsigned char byte;
	union control control;
	struct iovec iov = {&byte, 1};
	struct msghdr message = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.buf,
	    .msg_controllen = sizeof(control.buf)};
	ssize_t n = recvmsg(channel, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	*fd = -1;
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		return WORD_END;
	if (n == -1)
		return WORD_NONE;
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (header != NULL && header->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(header), sizeof(*fd));
	return (enum word)byte;
}
