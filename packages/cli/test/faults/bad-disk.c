/*
 * A disk that is slow or fails, between a program and the C library: loaded into it with LD_PRELOAD. Only the files of
 * a journal that hold what is written are harmed. What harm to do is read from, and what was done is counted in, a file that the test maps
 * too (its name: MIRRORBALL_BAD_DISK), so that the test can turn harm on and off while the program runs.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The second is written before each commit. */
static const char *const HARMED[] = {"/data.mdb", "/probe"};
enum { DATA = 1, PROBE = 2 };

struct orders {
  volatile int32_t sync_delay_ms;
  /* An error number, or 0. */
  volatile int32_t sync_error;
  volatile int32_t write_error;
  /* 0: writes begin to fail between two commits. 1: at any time. */
  volatile int32_t writes_fail_anywhere;
  volatile int32_t syncs_delayed;
  volatile int32_t syncs_failed;
  volatile int32_t writes_failed;
};

static struct orders *orders;

__attribute__((constructor)) static void map_orders(void) {
  const char *name = getenv("MIRRORBALL_BAD_DISK");
  int fd = name == NULL ? -1 : open(name, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED) orders = mapped;
  close(fd);
}

static int is_harmed(int fd) {
  char link[64] = "/proc/self/fd/";
  char digits[16];
  size_t count = 0;
  if (orders == NULL || fd < 0) return 0;
  do digits[count++] = (char)('0' + fd % 10); while ((fd /= 10) > 0);
  size_t at = strlen(link);
  while (count > 0) link[at++] = digits[--count];
  link[at] = 0;
  char path[4096];
  ssize_t length = readlink(link, path, sizeof path);
  for (size_t i = 0; i < sizeof HARMED / sizeof *HARMED; i += 1) {
    ssize_t tail = (ssize_t)strlen(HARMED[i]);
    if (length >= tail && memcmp(path + length - tail, HARMED[i], (size_t)tail) == 0) return (int)i + DATA;
  }
  return 0;
}

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static int fails_to_write(int fd) {
  static volatile int failing;
  if (orders == NULL) return 0;
  if (orders->write_error == 0) {
    failing = 0;
    return 0;
  }
  int file = is_harmed(fd);
  if (file == PROBE || orders->writes_fail_anywhere) failing = 1;
  if (file == 0 || !failing) return 0;
  __sync_fetch_and_add(&orders->writes_failed, 1);
  errno = orders->write_error;
  return 1;
}

static int fails_to_sync(int fd) {
  if (orders == NULL || !is_harmed(fd)) return 0;
  int delay_ms = orders->sync_delay_ms;
  if (delay_ms > 0) {
    struct timespec time = {delay_ms / 1000, (long)(delay_ms % 1000) * 1000000};
    nanosleep(&time, NULL);
    __sync_fetch_and_add(&orders->syncs_delayed, 1);
  }
  if (orders->sync_error == 0) return 0;
  __sync_fetch_and_add(&orders->syncs_failed, 1);
  errno = orders->sync_error;
  return 1;
}

#define HARM(result, name, parameters, arguments, fails)        \
  result name parameters {                                      \
    static result(*next) parameters;                            \
    if (next == NULL) next = (result(*) parameters)real(#name); \
    return fails(fd) ? -1 : next arguments;                     \
  }

HARM(ssize_t, write, (int fd, const void *bytes, size_t count), (fd, bytes, count), fails_to_write)
HARM(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count), fails_to_write)
HARM(ssize_t, pwrite, (int fd, const void *bytes, size_t count, off_t at), (fd, bytes, count, at), fails_to_write)
HARM(ssize_t, pwrite64, (int fd, const void *bytes, size_t count, off64_t at), (fd, bytes, count, at), fails_to_write)
HARM(ssize_t, pwritev, (int fd, const struct iovec *parts, int count, off_t at), (fd, parts, count, at), fails_to_write)
HARM(ssize_t, pwritev64, (int fd, const struct iovec *parts, int count, off64_t at), (fd, parts, count, at), fails_to_write)
HARM(int, fdatasync, (int fd), (fd), fails_to_sync)
HARM(int, fsync, (int fd), (fd), fails_to_sync)
