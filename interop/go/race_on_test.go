//go:build race

package mlcore_test

const raceEnabled = true
