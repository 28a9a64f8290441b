# The lines that a header begins with are what its page begins with.
1s|.*|/// @file|
2,/^#pragma/s|^//|///|
# The version is in every name, and in nobody's mind.
s|^inline namespace v1 {$||
s|^}  // namespace v1$||
# A specialisation of a name of std has no page to stand on.
s|^template <>$||
s|^struct std::.*||
# Doxygen shows a concept without what is said of each call, so its code is given as its description instead; these are the public ones.
/^concept \(system_calls\|name_lookup\|name_resolver\|interceptor\) /,/^};$/H
# What a header calls so is a system call or a member, and not what an adapter has.
\|//|s/\([^%:.a-z_]\)\(\(connect\|wait\)()\)/\1%\2/g
${
  G
  s|\n  ///|\n  //|g
  s|\n|&/// |g
  s|/// concept \([a-z_]*\)|/// @concept tconn::\1\n/// @code{.cpp}\n&|g
  s|tconn::interceptor|tconn::testing::interceptor|
  s|/// };|&\n/// @endcode\n|g
}
