# What leads somewhere in the repository leads to the same in the site. Sources are copied there as text.
s,](\(\.\./\)*\([a-z_]*/[^)]*\.\(cpp\|txt\|patch\|cmake\)\)),](source/\2.txt),g
s,](\(\.\./\)*\(\(tests\|examples\|benchmarks\)/[^)]*\.hpp\)),](source/\2.txt),g
s,](\(\.\./\)*include/\(timed_connect/[^)]*\)),](@ref \2),g
s,](\(\.\./\)*LICENSE),](source/LICENSE.txt),g
s,](\(\.\./\|docs/\)*pictures/,](pictures/,g
s,\[\([^]]*\)\](\(\.\./\)*\(tests\|examples\|benchmarks\)/[a-z_/]*),`\1`,g
# Doxygen does not see what is bold where code or a quotation begins it.
s,\*\*\([`"][^*]*\)\*\*,<b>\1</b>,g
# Doxygen takes code with an apostrophe for a quotation.
s,\(^\|[ (|]\)`\([^` ][^`]*'[^`]*\)`,\1<code>\2</code>,g
# Doxygen knows C++ by this name alone.
s,^```c++$,```cpp,
# Doxygen would take this for a link, even in code.
s,`\([^`]*\)::ffff\([^`]*\)`,<code>\1\\::ffff\2</code>,g
# A system call is not the function of the same name that some class or adapter has.
s,`\([a-z]*()\)`,<code>%\1</code>,g
