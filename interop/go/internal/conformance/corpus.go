package conformance

import (
	"bytes"
	"encoding/json"
	"errors"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
)

// Refused is what the suite expects of a model that is refused.
type Refused struct {
	Error string `json:"error"`
	Stage string `json:"stage"`
}

// RefusalOf returns the verdict of an error, or false if it has none.
func RefusalOf(err error) (Refused, bool) {
	var refusal *mlcore.Error
	if !errors.As(err, &refusal) {
		return Refused{}, false
	}
	return Refused{string(refusal.Verdict), string(refusal.Stage)}, true
}

var errCorpus = errors.New(`expected {"model": DIR, "requests": [TEXT, ...]}`)

// AnswerCorpus returns the line that says what the model of a line is, and how it answers the requests of
// the line, opened without verifying.
func AnswerCorpus(line string) ([]byte, error) {
	entry, err := jsontext.Parse(line, maxDepth)
	if err != nil {
		return nil, err
	}
	dir, requests := entry.Member("model"), entry.Member("requests")
	if dir == nil || dir.Kind != jsontext.String || requests == nil || requests.Kind != jsontext.Array {
		return nil, errCorpus
	}
	dumped, err := json.Marshal(dumpOrRefusal(dir.Text))
	if err != nil {
		return nil, err
	}
	var answers [][]byte
	if model, err := mlcore.Open(dir.Text, mlcore.Options{}); err == nil {
		defer model.Close()
		for index := range requests.Items {
			answers = append(answers, bytes.TrimSuffix(Answer(model, requests.Items[index].Text), []byte("\n")))
		}
	}
	result := append([]byte(`{"dump": `), dumped...)
	result = append(result, `, "answers": [`...)
	result = append(result, bytes.Join(answers, []byte(", "))...)
	return append(result, "]}\n"...), nil
}

func dumpOrRefusal(dir string) any {
	dumped, err := Dump(dir, mlcore.Options{})
	if err == nil {
		return dumped
	}
	if refused, isRefused := RefusalOf(err); isRefused {
		return refused
	}
	return Refused{Error: err.Error()} // no verdict: a difference from every other reader
}
