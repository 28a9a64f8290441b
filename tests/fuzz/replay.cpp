// SPDX-License-Identifier: MIT
// The other main of a fuzz target: plays the files that are named, and those of the folders that are, without libFuzzer
// and with any compiler. Each file's name is printed before it is played: the last is the one that has failed.
#include "fuzz/target.hpp"

#include "support/counts.hpp"
#include "support/descriptors.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

namespace {

std::vector<std::filesystem::path> files_of(std::vector<std::string> const& named) {
  std::vector<std::filesystem::path> found;
  for (auto const& one : named) {
    if (std::filesystem::is_directory(one))
      std::copy(std::filesystem::directory_iterator(one), {}, std::back_inserter(found));
    else
      found.emplace_back(one);
  }
  std::sort(found.begin(), found.end());
  return found;
}

void play(std::filesystem::path const& file) {
  std::cout << file.filename().string() << std::endl;
  std::ifstream in(file, std::ios::binary);
  std::vector<char> content(std::filesystem::file_size(file));
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  fuzz::require(in.good(), "the file can be read", file.string());
  LLVMFuzzerTestOneInput(reinterpret_cast<std::uint8_t const*>(content.data()), content.size());
}

}  // namespace

int main(int count, char** arguments) {
  std::filesystem::path const program = arguments[0];
  auto const missing = fuzz::what_is_missing();
  auto const files = files_of({arguments + 1, arguments + count});
  fuzz::require(!files.empty(), "there is something to play", program.string());
  auto const before = support::open_descriptors();
  for (auto const& file : files) play(file);
  fuzz::require(support::open_descriptors() == before, "no descriptor is left open", program.string());
  // ctest knows this line.
  if (!missing.empty()) {
    std::cout << "SKIPPED: " << missing << '\n';
    return 0;
  }
  support::tell_count(std::to_string(files.size()) + " inputs of " + program.filename().string());
}
