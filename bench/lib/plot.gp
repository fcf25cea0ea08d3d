# SPDX-License-Identifier: ISC
# The ratios of run.sh as groups of bars. gnuplot -e "data='FILE'" plot.gp
set terminal svg size 900,420 dynamic background rgb 'white' font 'sans,12'
names = system(sprintf("cut -d' ' -f2- %s.names", data))
set title 'Server CPU a request, as a ratio to a bare epoll loop (lower is better)'
set style data histogram
set style histogram cluster gap 1
set style fill solid 0.85 border -1
set boxwidth 0.9
set yrange [0:*]
set grid ytics
set key top left
set xtics nomirror
set xlabel "connections x requests in flight"
plot for [i = 1:words(names)] data using (column(i + 1)):xtic(1) title word(names, i)
