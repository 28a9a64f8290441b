# The lines that a header begins with are what its page begins with.
1s|.*|/// @file|
2,/^#pragma/s|^//|///|
# The version is in every name, and in nobody's mind.
s|^inline namespace v1 {$||
s|^}  // namespace v1$||
# A specialisation of a name of std has no page to stand on.
s|^template <>$||
s|^struct std::.*||
