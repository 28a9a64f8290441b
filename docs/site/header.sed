1s|.*|/// @file|
2,/^#pragma/s|^//|///|
s|^inline namespace v1 {$||
s|^}  // namespace v1$||
s|^template <>$||
s|^struct std::.*||
