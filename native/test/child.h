// Children: code that ends a process runs in a child process, whose standard error is read.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <string>

#include "test_heap.h"

namespace faultline::test {

struct Death {
  int status = 0;
  std::string said;
  bool exited_with(int code) const { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
  // A sanitizer may turn a deadly signal into an exit code of its own.
  bool died() const { return WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) != 0); }
  bool died_of(int number) const { return WIFSIGNALED(status) && WTERMSIG(status) == number; }
};

// Exit code 0 when the body returns.  It has a minute.
inline Death InChild(const std::function<void()>& body) {
  int ends[2];
  EXPECT(pipe(ends) == 0);
  std::fflush(stdout);
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    alarm(60);
    body();
    _exit(0);
  }
  close(ends[1]);
  Death death;
  char text[512];
  for (ssize_t got; (got = read(ends[0], text, sizeof text)) > 0;) death.said.append(text, static_cast<size_t>(got));
  close(ends[0]);
  EXPECT(waitpid(child, &death.status, 0) == child);
  if (death.exited_with(1)) std::fprintf(stderr, "child: %s\n", death.said.c_str());
  return death;
}

#define CHILD_EXPECT(condition)                                               \
  do {                                                                        \
    if (!(condition)) {                                                       \
      dprintf(STDERR_FILENO, "line %d: expected %s\n", __LINE__, #condition); \
      _exit(1);                                                               \
    }                                                                         \
  } while (0)

}  // namespace faultline::test
