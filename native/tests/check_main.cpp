/// Runs all tests linked into this binary, or those whose claim contains argv[1].
#include <cstdio>
#include <exception>

#include "check.hpp"

namespace tidegate::check {
namespace {
int failures_in_test = 0;
std::string current_note;
}  // namespace

std::vector<Test>& all_tests() {
  static std::vector<Test> tests;
  return tests;
}

void note(const std::string& text) { current_note = text; }

void report_failure(std::string_view file, int line, const std::string& what) {
  ++failures_in_test;
  std::cout << "    " << file << ":" << line << ": " << what;
  if (!current_note.empty()) std::cout << "   [" << current_note << "]";
  std::cout << "\n";
}

bool run(const Test& test, int& skipped) {
  failures_in_test = 0;
  current_note.clear();
  try {
    test.body();
  } catch (const EndTest&) {
    // its failure has been reported
  } catch (const SkipTest& skip) {
    ++skipped;
    std::cout << "skipped: " << test.claim << ": " << skip.why << "\n";
    return true;
  } catch (const std::exception& error) {
    report_failure("exception", 0, error.what());
  }
  if (failures_in_test > 0) std::cout << "FAILED: " << test.claim << "\n";
  return failures_in_test == 0;
}

}  // namespace tidegate::check

int main(int argc, char** argv) {
  const std::string_view wanted = argc > 1 ? argv[1] : "";
  int passed = 0;
  int failed = 0;
  int skipped = 0;
  for (const auto& test : tidegate::check::all_tests()) {
    if (test.claim.find(wanted) == std::string_view::npos) continue;
    const int skipped_before = skipped;
    if (!tidegate::check::run(test, skipped)) {
      ++failed;
    } else if (skipped == skipped_before) {
      ++passed;
    }
  }
  if (skipped > 0) std::cout << skipped << " skipped\n";
  std::cout << passed << " passed, " << failed << " failed\n";
  return failed == 0 && passed + skipped > 0 ? 0 : 1;
}
