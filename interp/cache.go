package interp

import "sync"

// boundedCache forgets everything when it is full: loops refill it at once.
type boundedCache[T any] struct {
	mu sync.Mutex
	m  map[string]T
}

const cacheLimit = 256

func (c *boundedCache[T]) get(key string) (T, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.m[key]
	return v, ok
}

func (c *boundedCache[T]) put(key string, v T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil || len(c.m) >= cacheLimit {
		c.m = make(map[string]T)
	}
	c.m[key] = v
}
