// The rules by which native programs mark are those of src/gc/policy/precleaning.ts: both must give the answers of the cases that
// test/gc/precleaning.test.ts checks too.  Run from the project's folder, as the tests are.
#include <cinttypes>
#include <fstream>
#include <sstream>
#include <string>

#include "precleaning_rules.h"
#include "test_heap.h"

namespace faultline::test {
namespace {

constexpr const char* kCases = "test/gc/precleaning-cases.txt";

// `round 5000 1200 = yes` or `pause 300 300 = 128`; # begins a comment.
uint32_t CheckAll(std::istream& cases) {
  uint32_t checked = 0;
  for (std::string line; std::getline(cases, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string rule;
    words >> rule;
    std::vector<uint64_t> pages;
    std::string word;
    while (words >> word && word != "=") pages.push_back(std::stoull(word));
    words >> word;
    const std::string answer = rule == "round" ? (AnotherRound(pages) ? "yes" : "no") : std::to_string(MostPagesInPause(pages));
    if (answer != word) std::fprintf(stderr, "%s; here it is %s\n", line.c_str(), answer.c_str());
    EXPECT(answer == word);
    ++checked;
  }
  return checked;
}

}  // namespace
}  // namespace faultline::test

int main() {
  using namespace faultline::test;
  std::ifstream cases(kCases);
  EXPECT(cases.is_open());
  EXPECT(CheckAll(cases) > 100);
  return 0;
}
