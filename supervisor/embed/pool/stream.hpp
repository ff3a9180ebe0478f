// SPDX-License-Identifier: Apache-2.0
/// A lazy map: items are taken from the input as results are taken from here, with a bounded look-ahead.
#pragma once

#include <cstddef>
#include <expected>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <utility>

#include "work.hpp"

namespace caisson {

/// An input range of the results. The input is read by the thread that reads the results. What was begun and not taken
/// is cancelled when the range goes. With `throws`, its values are Ts, and one that failed is a CallError when it is
/// looked at, after which the range may go on; else its values are std::expected<T, Failure>.
template <class T, std::ranges::input_range Input, bool throws>
class Stream {
   public:
    using Value = std::conditional_t<throws, T, std::expected<T, Failure>>;

    class Iterator {
       public:
        using value_type = Value;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;  // NOLINT(readability-identifier-naming): the library's

        [[nodiscard]] Value operator*() const { return stream_->read(); }
        Iterator& operator++() { return stream_->step(), *this; }
        void operator++(int) { ++*this; }
        /// The item's place in the input, from 0.
        [[nodiscard]] std::size_t index() const { return *stream_->current_; }
        [[nodiscard]] bool operator==(std::default_sentinel_t) const { return !stream_->current_; }

       private:
        friend class Stream;
        explicit Iterator(Stream& stream) : stream_(&stream) {}
        Stream* stream_;
    };

    Stream(Stream&&) = delete;
    Stream& operator=(Stream&&) = delete;
    ~Stream() { work_->cancel(); }

    /// Once: what was read is gone.
    [[nodiscard]] Iterator begin() {
        if (!next_) {
            next_ = std::ranges::begin(input_);
            step();
        }
        return Iterator{*this};
    }
    [[nodiscard]] std::default_sentinel_t end() const { return {}; }

   private:
    friend class Pool;
    using In = std::ranges::range_value_t<Input>;

    Stream(std::shared_ptr<detail::Work> work, const MethodInfo& method, Input input, std::size_t look_ahead)
        : work_(std::move(work)),
          method_(method),
          encoder_(method_),
          decoder_(method_),
          input_(std::move(input)),
          look_ahead_(look_ahead) {}

    // Takes from the input what may be under way. Not before half of it is free: items travel best together.
    void fill() {
        if (sealed_ || under_way_ * 2 > look_ahead_) return;
        for (; under_way_ < look_ahead_ && *next_ != std::ranges::end(input_); ++*next_, ++under_way_)
            work_->add(encoder_(**next_));
        if (*next_ == std::ranges::end(input_)) {
            sealed_ = true;
            work_->seal();
        } else {
            work_->send();
        }
    }
    void step() {
        if (current_) {
            work_->drop(*current_);
            --under_way_;
        }
        fill();
        current_ = work_->wait_next();
    }
    [[nodiscard]] Value read() const {
        auto value = detail::read_item<T>(*work_, *current_, decoder_, method_.name, true);
        if constexpr (throws) {
            if (!value) throw CallError{std::move(value.error())};
            if constexpr (!std::is_void_v<T>) return std::move(*value);
        } else {
            return value;
        }
    }

    std::shared_ptr<detail::Work> work_;
    MethodInfo method_;
    detail::Encoder<In> encoder_;
    detail::Decoder<T> decoder_;
    Input input_;
    std::optional<std::ranges::iterator_t<Input>> next_;
    std::optional<std::size_t> current_;  // the item that the iterator stands at
    std::size_t look_ahead_;
    std::size_t under_way_ = 0;  // items that were added and not dropped
    bool sealed_ = false;
};

}  // namespace caisson
