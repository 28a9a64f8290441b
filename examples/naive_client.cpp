// SPDX-License-Identifier: MIT
// The article's client. Usage: naive_client ADDRESS PORT MICROSECONDS
// Where the answer takes longer than that, the wire shows the article's trace: SYN, SYN-ACK, RST.
#include "article_client.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

int main(int count, char** arguments) {
  auto const to = tconn::endpoint::parse(count == 4 ? std::string(arguments[1]) + ':' + arguments[2] : std::string{});
  if (!to) return std::fprintf(stderr, "usage: naive_client ADDRESS PORT MICROSECONDS\n"), 2;
  // NOLINTNEXTLINE(cert-err34-c): as in the article
  auto const believed = article::connect_and_close(*to, std::atol(arguments[3]));
  std::printf("connect answers %s\n%s\nI am here!\n", believed.connect_said.c_str(), believed.then.c_str());
}
