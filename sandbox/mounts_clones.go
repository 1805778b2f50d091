package sandbox

import (
	"cmp"
	"fmt"
	"slices"
)

// copyClones copies the trees that will have a place. One that is already
// visible inside another of the same rights needs no mount of its own, and
// must not have one: files could not be renamed across it. It is not even
// copied, because giving up a copy waits for all processors.
func (v *view) copyClones() (err error) {
	slices.SortStableFunc(v.clones, func(a, b clone) int { return cmp.Compare(a.path, b.path) })
	for i := range v.clones {
		c := &v.clones[i]
		if v.covered(i) || (slices.Contains(v.fresh, c.path) && !c.write) {
			continue
		}
		if c.fd, err = copyTreeAt(c.at, c.from, c.set); err != nil {
			return fmt.Errorf("copy %s: %w", c.path, err)
		}
	}
	return nil
}

// placeClones puts the trees of one kind in place, and composites between
// them, outermost first.
func (v *view) placeClones(want func(string) bool) error {
	composites := v.compositesOf(want)
	for i := range v.clones {
		c := &v.clones[i]
		if c.fd < 0 || !want(c.path) {
			continue
		}
		if err := v.placeComposites(&composites, c.path); err != nil {
			return err
		}
		if c.fd < 0 {
			continue // given up just now
		}
		if v.hiddenBy(c.path) != "" {
			if err := makeTarget(c.path, c.dir); err != nil {
				return fmt.Errorf("place %s: %w", c.path, err)
			}
		}
		if err := place(c.fd, c.path); err != nil {
			return fmt.Errorf("place %s: %w", c.path, err)
		}
		c.fd = -1
	}
	return v.placeComposites(&composites, "")
}

func (v *view) covered(i int) bool {
	c := &v.clones[i]
	place := v.hiddenBy(c.path)
	if place == "" && !c.write {
		return true // visible, read-only or in a writable tree
	}
	for j := range v.clones[:i] {
		o := &v.clones[j]
		sameSide := v.hiddenBy(o.path) == place || (o.path == place && o.write)
		if o.path != place && below(c.path, o.path) && sameSide && (o.write == c.write || o.write) {
			return !c.private
		}
	}
	return false
}
