// Package conformance speaks the adapter protocol of the conformance suite: it dumps a model, answers
// requests, and formats values, each in the form that the suite compares.
package conformance

import (
	"fmt"

	mlcore "github.com/mlcore/mlcore/interop/go"
)

// Dumped is what the suite expects of an accepted model. Integers are texts, since not every JSON
// reader has 64 bits for them.
type Dumped struct {
	Users        string            `json:"users"`
	Items        string            `json:"items"`
	Interactions string            `json:"interactions"`
	Pairs        string            `json:"pairs"`
	WithUsers    bool              `json:"with_users"`
	Arrays       map[string]string `json:"arrays"`
	IDs          map[string]string `json:"ids"`
}

// Dump opens and verifies a model. The error, if any, is an *mlcore.Error.
func Dump(dir string, options mlcore.Options) (*Dumped, error) {
	model, err := mlcore.Open(dir, options)
	if err != nil {
		return nil, err
	}
	defer model.Close()
	if err := model.Verify(); err != nil {
		return nil, err
	}
	digests, err := model.ContentDigests()
	if err != nil {
		return nil, err
	}
	manifest := model.Manifest()
	return &Dumped{
		Users:        fmt.Sprint(manifest.Counts.Users),
		Items:        fmt.Sprint(manifest.Counts.Items),
		Interactions: fmt.Sprint(manifest.Counts.Interactions),
		Pairs:        fmt.Sprint(manifest.Counts.Pairs),
		WithUsers:    manifest.WithUsers(),
		Arrays:       digests.Arrays,
		IDs:          digests.IDs,
	}, nil
}
