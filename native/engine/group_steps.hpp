/// GroupSteps: the steps (counters/steps.hpp) that all hostgroups' thresholds leave room for, as meters come and go.
///
/// - A meter enters its thresholds and keeps the entry as long as it is asked. A group without an entry leaves room for
///   none: what its thresholds will be is not known yet.
/// - Entries may be made and given back on any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "../counters/steps.hpp"

namespace tidegate {

class GroupSteps {
 public:
  explicit GroupSteps(std::size_t groups) : inner_{std::make_shared<Inner>(groups)} {}

  /// In force until the entry is given back, beside the others of the group.
  using Entry = std::shared_ptr<const void>;
  [[nodiscard]] Entry enter(std::uint32_t hostgroup, const Steps& steps) {
    return std::make_shared<const Held>(inner_, inner_->add(hostgroup, steps));
  }
  /// What is in force now.
  [[nodiscard]] std::shared_ptr<const SharedSteps> shared() const { return {inner_, &inner_->in_force}; }

 private:
  struct Inner {
    explicit Inner(std::size_t count) : groups{count} {}
    std::uint64_t add(std::uint32_t hostgroup, const Steps& steps) {
      const std::lock_guard lock{mutex};
      entries.emplace(next, std::pair{hostgroup, steps});
      settle();
      return next++;
    }
    void remove(std::uint64_t id) {
      const std::lock_guard lock{mutex};
      entries.erase(id);
      settle();
    }
    void settle() {
      std::map<std::uint32_t, Steps> by_group;
      for (const auto& [id, entry] : entries) {
        const auto [at, first] = by_group.try_emplace(entry.first, entry.second);
        if (!first) at->second = stricter(at->second, entry.second);
      }
      Steps all;
      if (by_group.size() == groups && !by_group.empty()) {
        all = by_group.begin()->second;
        for (const auto& [group, steps] : by_group) all = stricter(all, steps);
      }
      in_force.set(all);
    }

    const std::size_t groups;
    std::mutex mutex;
    std::map<std::uint64_t, std::pair<std::uint32_t, Steps>> entries;
    std::uint64_t next = 0;
    SharedSteps in_force;
  };
  struct Held {
    Held(std::shared_ptr<Inner> of, std::uint64_t number) : inner{std::move(of)}, id{number} {}
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() { inner->remove(id); }
    std::shared_ptr<Inner> inner;
    std::uint64_t id;
  };

  std::shared_ptr<Inner> inner_;
};

}  // namespace tidegate
