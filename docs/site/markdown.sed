s,](\(\.\./\)*\([a-z_]*/[^)]*\.\(cpp\|txt\|patch\)\)),](source/\2.txt),g
s,](\(\.\./\)*\(\(tests\|examples\)/[^)]*\.hpp\)),](source/\2.txt),g
s,](\(\.\./\)*include/\(timed_connect/[^)]*\)),](@ref \2),g
s,](\(\.\./\)*LICENSE),](source/LICENSE.txt),g
s,`\([^`]*\)::ffff\([^`]*\)`,<code>\1\\::ffff\2</code>,g
