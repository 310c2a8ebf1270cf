// Parameters: the words `name=value` of the command line.  A missing name is an error: the defaults are the harness's, not a peer's.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

namespace faultline::peers {

class Parameters {
 public:
  Parameters(int count, char** words) {
    for (int i = 0; i < count; ++i) {
      const std::string word = words[i];
      const size_t sign = word.find('=');
      if (sign == std::string::npos) Fail("not a name=value: " + word);
      values_[word.substr(0, sign)] = word.substr(sign + 1);
    }
  }

  bool Has(const std::string& name) const { return values_.contains(name); }
  const std::string& Text(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) Fail("parameter missing: " + name);
    return found->second;
  }
  double Number(const std::string& name) const { return std::stod(Text(name)); }
  // Of a mutator: `seeds` are joined by commas.
  uint32_t Seed(uint32_t mutator) const {
    const char* at = Text("seeds").c_str();
    for (; mutator > 0; --mutator) at = std::strchr(at, ',') + 1;
    return static_cast<uint32_t>(std::strtoul(at, nullptr, 10));
  }
  uint32_t Count(const std::string& name) const { return static_cast<uint32_t>(Number(name)); }

  [[noreturn]] static void Fail(const std::string& message) {
    std::fprintf(stderr, "%s\n", message.c_str());
    std::exit(1);
  }

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace faultline::peers
