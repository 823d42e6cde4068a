/// Gate: a lock between one caller that must not wait long and workers that do long things in parts.
///
/// A worker takes the lock for one part at a time and lets a waiting caller go first, so that the caller waits
/// for one part at most.
#pragma once

#include <atomic>
#include <mutex>
#include <thread>

namespace tidegate {

class Gate {
 public:
  /// For the impatient caller.
  template <class Call>
  auto pass(Call&& call) {
    waiting_.fetch_add(1, std::memory_order_relaxed);
    const std::lock_guard lock{mutex_};
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    return call();
  }
  /// For a worker: `part` says whether there is more to do.
  template <class Part>
  void in_parts(Part&& part) {
    for (bool more = true; more;) {
      while (waiting_.load(std::memory_order_relaxed) > 0) std::this_thread::yield();
      const std::lock_guard lock{mutex_};
      more = part();
    }
  }

 private:
  std::mutex mutex_;
  std::atomic<int> waiting_{0};
};

}  // namespace tidegate
