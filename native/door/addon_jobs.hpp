/// Work on another thread, and a promise for what comes of it.
#pragma once

#include <napi.h>

#include <exception>
#include <functional>
#include <utility>

namespace tidegate::door {

/// `work` runs on a thread of the pool, `finish` then on the main thread: its value resolves the promise, what it throws rejects it.
/// `work` throwing rejects it. `after` runs on the main thread in either case.
class Job final : public Napi::AsyncWorker {
 public:
  using Work = std::function<void()>;
  using Finish = std::function<Napi::Value(Napi::Env)>;
  using After = std::function<void()>;

  static void start(Napi::Env env, Napi::Promise::Deferred deferred, Work work, Finish finish, After after = {}) {
    // Node's own convention: a worker deletes itself when it is done.
    auto* job = new Job{env, deferred, std::move(work), std::move(finish), std::move(after)};
    job->Queue();
  }

 private:
  Job(Napi::Env env, Napi::Promise::Deferred deferred, Work work, Finish finish, After after)
      : Napi::AsyncWorker{env, "tidegate"},
        deferred_{deferred},
        work_{std::move(work)},
        finish_{std::move(finish)},
        after_{std::move(after)} {}

  void Execute() override {
    try {
      work_();
    } catch (const std::exception& error) {
      SetError(error.what());
    }
  }
  void OnOK() override {
    const Napi::HandleScope scope{Env()};
    const Napi::Value value = finish_(Env());
    if (Env().IsExceptionPending()) {
      deferred_.Reject(Env().GetAndClearPendingException().Value());
    } else {
      deferred_.Resolve(value);
    }
    if (after_) after_();
  }
  void OnError(const Napi::Error& error) override {
    const Napi::HandleScope scope{Env()};
    deferred_.Reject(error.Value());
    if (after_) after_();
  }

  Napi::Promise::Deferred deferred_;
  Work work_;
  Finish finish_;
  After after_;
};

}  // namespace tidegate::door
