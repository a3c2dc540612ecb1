//go:build !race

package mlcore_test

const raceEnabled = false
