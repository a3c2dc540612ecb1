// Command firstanswer measures how long it takes from before a model is opened to after the first
// request is answered, once, since only the first time says anything of a new process:
//
//	firstanswer MODEL_DIR USER_ID N
//
// prints the seconds and the ids of the items as one JSON object. See benchmarks/load.py.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	mlcore "github.com/mlcore/mlcore/interop/go"
)

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

func run(out io.Writer, args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("arguments: expected MODEL_DIR USER_ID N, got %d of them", len(args))
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return fmt.Errorf("N: expected a number, got %q", args[2])
	}
	begun := time.Now()
	model, err := mlcore.Open(args[0], mlcore.Options{})
	if err != nil {
		return err
	}
	defer model.Close()
	found, err := model.Recommend(args[1], n, mlcore.RecommendOptions{})
	if err != nil {
		return err
	}
	answer := struct {
		Seconds float64  `json:"seconds"`
		Items   []string `json:"items"`
	}{time.Since(begun).Seconds(), []string{}}
	for _, item := range found {
		answer.Items = append(answer.Items, item.ID)
	}
	return json.NewEncoder(out).Encode(answer)
}
