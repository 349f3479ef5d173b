# Puts the tables of the first file into the second: what stands there between two marks, <!-- NAME -->, is replaced by what
# the first file has below the same mark. A mark in README.md ends at <!-- end -->.
/^<!-- .* -->$/ && FNR == NR { mark = $0; next }
FNR == NR { table[mark] = table[mark] $0 "\n"; next }
/^<!-- .* -->$/ && $0 in table { print; printf "%s", table[$0]; inside = 1; next }
/^<!-- end -->$/ { inside = 0 }
!inside { print }
