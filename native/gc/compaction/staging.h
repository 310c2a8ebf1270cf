// Staging: private buffers in which the modes that copy build target pages, before UFFDIO_COPY puts them into the heap file.
//
// A builder, which may be a signal handler, leases one buffer at a time: one bit a buffer, taken by CAS (acquire) and given back by
// fetch_and (release), the lowest free one first, so that few builders use few buffers and find them in the cache.  A builder that finds
// all of them taken tries again; the holder of a buffer waits for no other thread, so it will give it back.
#pragma once

#include <sched.h>

#include <atomic>
#include <cstdint>

#include "heap/layout.h"
#include "heap/mapped_array.h"

namespace faultline {

class Staging {
 public:
  // Built and copied in one go: several pages share the system call, and no thread waits long for the last of them.
  static constexpr uint32_t kPagesPerBuffer = 16;

  Status Create() { return memory_.Create(size_t{kBuffers} * kPagesPerBuffer * kPageBytes); }

  class Lease {
   public:
    explicit Lease(Staging* staging) : staging_(staging), buffer_(staging->Take()) {}
    ~Lease() { staging_->Give(buffer_); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    uint8_t* page(uint32_t index) const { return staging_->memory_.data() + (size_t{buffer_} * kPagesPerBuffer + index) * kPageBytes; }

   private:
    Staging* staging_;
    uint32_t buffer_;
  };

 private:
  static constexpr uint32_t kBuffers = 64;

  uint32_t Take() {
    for (;;) {
      uint64_t taken = taken_.load(std::memory_order_relaxed);
      while (~taken != 0) {
        const uint32_t buffer = static_cast<uint32_t>(__builtin_ctzll(~taken));
        if (taken_.compare_exchange_weak(taken, taken | uint64_t{1} << buffer, std::memory_order_acquire, std::memory_order_relaxed)) {
          return buffer;
        }
      }
      sched_yield();
    }
  }
  void Give(uint32_t buffer) { taken_.fetch_and(~(uint64_t{1} << buffer), std::memory_order_release); }  // Partner: Take.

  MappedArray<uint8_t> memory_;
  std::atomic<uint64_t> taken_{0};
};

}  // namespace faultline
