// Copyright The harbor-inventory Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

// generations is a map of bounded size that forgets what was put into it
// longest ago: when the young half is full it becomes the old one, and what was
// the old one is gone. It is not safe for concurrent use.
type generations[K comparable, V any] struct {
	half       int
	young, old map[K]V
}

// newGenerations returns one that holds at least size/2 and at most size values.
func newGenerations[K comparable, V any](size int) *generations[K, V] {
	return &generations[K, V]{half: max(size/2, 1), young: map[K]V{}, old: map[K]V{}}
}

func (g *generations[K, V]) get(k K) (V, bool) {
	if v, ok := g.young[k]; ok {
		return v, true
	}
	v, ok := g.old[k]
	return v, ok
}

func (g *generations[K, V]) put(k K, v V) {
	delete(g.old, k)
	if _, known := g.young[k]; !known && len(g.young) >= g.half {
		g.young, g.old = map[K]V{}, g.young
	}
	g.young[k] = v
}

func (g *generations[K, V]) remove(k K) {
	delete(g.young, k)
	delete(g.old, k)
}
