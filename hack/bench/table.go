// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
)

func wall(m measured) float64    { return m.Wall.Seconds() }
func cpu(m measured) float64     { return m.result.CPU.Seconds() }
func mallocs(m measured) float64 { return float64(m.Mallocs) }

// printClients prints a table of what each client took, and one of ratios.
func printClients(title string, contenders []*contender) {
	fmt.Printf("\n%s\n\n", title)
	row("client", "connections", "opened", "requests", "wall s", "CPU s", "allocations", "MB allocated", "peak RSS MB", "server's CPU s")
	line(10)
	for _, c := range contenders {
		row(
			c.name, fmt.Sprint(c.task.Connections),
			fmt.Sprint(median(c.runs, func(m measured) int64 { return m.Connections })),
			fmt.Sprint(median(c.runs, func(m measured) int64 { return m.Requests })),
			fmt.Sprintf("%.3f", median(c.runs, wall)),
			fmt.Sprintf("%.3f", median(c.runs, cpu)),
			fmt.Sprint(median(c.runs, func(m measured) uint64 { return m.Mallocs })),
			megabytes(median(c.runs, func(m measured) uint64 { return m.Allocated })),
			megabytes(median(c.runs, func(m measured) uint64 { return m.PeakRSS })),
			fmt.Sprintf("%.3f", median(c.runs, func(m measured) float64 { return m.window.CPU.Seconds() })),
		)
	}
	fmt.Println()
	row("connections", "engine's CPU / go-client's", "engine's allocations / go-client's", "engine's wall / bare loop's, same requests", "engine's wall / bare loop's, pages alone", "engine's CPU / bare loop's, same requests")
	line(6)
	for i := 0; i+3 < len(contenders); i += 4 {
		own, official, same, pages := contenders[i].runs, contenders[i+1].runs, contenders[i+2].runs, contenders[i+3].runs
		row(
			fmt.Sprint(contenders[i].task.Connections),
			fmt.Sprintf("1/%.1f", medianRatio(official, own, cpu)),
			fmt.Sprintf("1/%.1f", medianRatio(official, own, mallocs)),
			fmt.Sprintf("%.2f", medianRatio(own, same, wall)),
			fmt.Sprintf("%.2f", medianRatio(own, pages, wall)),
			fmt.Sprintf("%.2f", medianRatio(own, same, cpu)),
		)
	}
	for _, c := range contenders {
		for _, m := range c.runs {
			if m.Made > 0 {
				fmt.Printf("\n%s: the server made %d answers anew in a run; its figures are too high.\n", c.name, m.Made)
			}
		}
	}
}

func row(cells ...string) { fmt.Printf("| %s |\n", strings.Join(cells, " | ")) }

func line(cells int) {
	fmt.Printf("|---|%s\n", strings.Repeat("---:|", cells-1))
}

func megabytes(n uint64) string { return fmt.Sprintf("%.1f", float64(n)/1e6) }

func mebibytes(n uint64) string { return fmt.Sprintf("%.1f", float64(n)/(1<<20)) }
