//go:build !unix

package server

// descriptorLimit is 0 where there is none.
func descriptorLimit() int { return 0 }
