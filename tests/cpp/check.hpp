// The test harness: named tests, checks that stop the test, children for what ends a process.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "acl/acl.h"
#include "acl_fast/softnpu.h"

namespace check {

struct Test {
    const char *name;
    void (*body)();
};

inline std::vector<Test> &tests() {
    static std::vector<Test> all;
    return all;
}

struct Register {
    Register(const char *name, void (*body)()) { tests().push_back({name, body}); }
};

template <class A, class B>
void equal(const A &got, const B &wanted, const char *text, const char *file, int line) {
    if (got == wanted) return;
    std::ostringstream message;
    message << file << ":" << line << ": " << text << " is " << got << ", want " << wanted;
    if (const char *recent = aclGetRecentErrMsg()) message << " [" << recent << "]";
    throw std::runtime_error(message.str());
}

inline void holds(bool condition, const char *text, const char *file, int line) {
    if (!condition) {
        throw std::runtime_error(std::string(file) + ":" + std::to_string(line) + ": " + text);
    }
}

inline uint64_t counter(const std::string &name) {
    for (size_t i = 0; i < softnpuCounterCount(); ++i) {
        if (name == softnpuCounterName(i)) return softnpuCounterValue(i);
    }
    throw std::runtime_error("no counter " + name);
}

/// What a child process left behind.
struct Child {
    int status = 0;
    std::string output;  // stdout and stderr
    bool exited_with(int code) const { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
    bool died_of(int signal) const { return WIFSIGNALED(status) && WTERMSIG(status) == signal; }
};

/// This program again, running only the test `name` ("child ..." tests are skipped otherwise), with
/// `variables` ("NAME=value") in its environment. Killed after a minute.
inline Child run_child(const std::string &name, const std::vector<std::string> &variables = {}) {
    int pipe_ends[2];
    if (pipe(pipe_ends) != 0) throw std::runtime_error("pipe");
    const pid_t pid = fork();
    if (pid == 0) {
        dup2(pipe_ends[1], 1);
        dup2(pipe_ends[1], 2);
        close(pipe_ends[0]);
        for (const std::string &variable : variables) putenv(const_cast<char *>(variable.c_str()));
        alarm(60);
        execl("/proc/self/exe", "test", name.c_str(), nullptr);
        _exit(127);
    }
    close(pipe_ends[1]);
    Child child;
    char buffer[4096];
    for (ssize_t got; (got = read(pipe_ends[0], buffer, sizeof buffer)) > 0;) {
        child.output.append(buffer, static_cast<size_t>(got));
    }
    close(pipe_ends[0]);
    waitpid(pid, &child.status, 0);
    return child;
}

inline int run(const char *only) {
    int failures = 0;
    for (const Test &test : tests()) {
        const bool is_child = std::string(test.name).rfind("child ", 0) == 0;
        if (only != nullptr ? std::string(only) != test.name : is_child) continue;
        try {
            test.body();
            if (!is_child) std::printf("ok    %s\n", test.name);
        } catch (const std::exception &error) {
            std::printf("FAIL  %s\n      %s\n", test.name, error.what());
            ++failures;
        }
        std::fflush(stdout);
    }
    return failures == 0 ? 0 : 1;
}

}  // namespace check

#define CHECK_JOIN2(a, b) a##b
#define CHECK_JOIN(a, b) CHECK_JOIN2(a, b)
#define TEST(name)                                                                             \
    static void CHECK_JOIN(test_, __LINE__)();                                                 \
    static const check::Register CHECK_JOIN(register_, __LINE__)(name,                         \
                                                                 CHECK_JOIN(test_, __LINE__)); \
    static void CHECK_JOIN(test_, __LINE__)()
#define CHECK(condition) check::holds(static_cast<bool>(condition), #condition, __FILE__, __LINE__)
#define EQUAL(got, wanted) check::equal(got, wanted, #got, __FILE__, __LINE__)
#define OK(call) check::equal(call, 0, #call, __FILE__, __LINE__)

#define TEST_MAIN                                        \
    int main(int argc, char **argv) {                    \
        return check::run(argc > 1 ? argv[1] : nullptr); \
    }
