// SPDX-License-Identifier: MIT
// The few elements that svg.cpp draws with, and how they look. A class name here is a word about what is drawn: the
// colours, and the fonts, stand in one place and change with the reader's choice of light or dark.
#pragma once

#include <array>
#include <cstdio>
#include <string>
#include <string_view>

namespace wire::elements {

/// Every colour has a contrast of more than 4.5 with the ground, in both modes. Not every renderer knows CSS variables,
/// but all of them know currentColor.
inline constexpr std::string_view svg_style = R"(<style>
.wire{color:#1f2328;font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
.wire text{fill:currentColor}
.wire path{fill:none;stroke:currentColor;stroke-width:1.5}
.wire .head{fill:currentColor;stroke:none}
.wire .life{stroke-width:1}
.wire .ground{fill:#fff;stroke:#d0d7de}
.wire .title{font-size:15px;font-weight:600}
.wire .strong{font-weight:600}
.wire .time{font-variant-numeric:tabular-nums}
.wire .label{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:12px}
.wire .end{text-anchor:end}
.wire .middle{text-anchor:middle}
.wire .quiet{color:#59636e}
.wire .reset{color:#b3261e}
.wire .close{color:#0550ae}
.wire .deadline{color:#845100}
.wire .dashed{stroke-dasharray:5 4}
@media (prefers-color-scheme:dark){
.wire{color:#e6edf3}
.wire .ground{fill:#161b22;stroke:#3d444d}
.wire .quiet{color:#9ea7b3}
.wire .reset{color:#ff938a}
.wire .close{color:#79c0ff}
.wire .deadline{color:#e3b341}
}
</style>
)";

/// For text and for attributes. XML 1.0 has no way to write most control characters.
inline std::string escaped(std::string_view text) {
  std::string safe;
  for (char const one : text) {
    switch (one) {
      case '&': safe += "&amp;"; break;
      case '<': safe += "&lt;"; break;
      case '>': safe += "&gt;"; break;
      case '"': safe += "&quot;"; break;
      default: safe += static_cast<unsigned char>(one) < ' ' ? ' ' : one;
    }
  }
  return safe;
}

/// A coordinate, to a tenth.
inline std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  std::string short_text = text.data();
  if (short_text.ends_with(".0")) short_text.resize(short_text.size() - 2);
  return short_text;
}

/// Two coordinates.
inline std::string point(double x, double y) { return number(x) + ' ' + number(y); }

/// ` name="value"`; nothing for an empty value.
inline std::string attribute(std::string_view name, std::string_view value) {
  return value.empty() ? std::string{} : ' ' + std::string(name) + "=\"" + escaped(value) + '"';
}

/// A line of text.
inline std::string text_at(double x, double y, std::string_view kind, std::string_view text) {
  return "<text" + attribute("x", number(x)) + attribute("y", number(y)) + attribute("class", kind) + '>' +
         escaped(text) + "</text>\n";
}

/// Anything that is drawn.
inline std::string path(std::string_view kind, std::string const& steps) {
  return "<path" + attribute("class", kind) + attribute("d", steps) + "/>\n";
}

/// What belongs together and looks alike.
inline std::string group(std::string_view kind, std::string const& content) {
  return "<g" + attribute("class", kind) + ">\n" + content + "</g>\n";
}

}  // namespace wire::elements
