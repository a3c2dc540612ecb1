package conformance

import (
	"bufio"
	"errors"
	"io"
	"strings"

	mlcore "github.com/mlcore/mlcore/interop/go"
)

// List returns the list of a line with a request as a line of predictions, or the line that refuses it.
func List(model *mlcore.Model, line string) []byte {
	request := parseRequest(line)
	return request.list(model, nil)
}

func (r *request) list(model *mlcore.Model, dst []byte) []byte {
	items, err := r.answer(model)
	if err != nil {
		return append(dst, r.refusal(err)...)
	}
	return mlcore.AppendPrediction(dst, r.name, items)
}

// blockLines is how many lines are transformed in one go; it changes speed and memory only.
const blockLines = 64

// MapLines writes what a function makes of each line that is not blank, in order, on several goroutines.
func MapLines(in io.Reader, out io.Writer, threads int, transform func(line string) []byte) error {
	type block struct {
		lines []string
		text  chan []byte
	}
	work, ordered := make(chan block), make(chan block, 2*threads)
	for range threads {
		go func() {
			for block := range work {
				var text []byte
				for _, line := range block.lines {
					text = append(text, transform(line)...)
				}
				block.text <- text
			}
		}()
	}
	var readErr error
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		defer close(ordered)
		defer close(work)
		readErr = forBlocks(in, func(lines []string) bool {
			next := block{lines, make(chan []byte, 1)}
			for _, channel := range []chan block{ordered, work} {
				select {
				case channel <- next:
				case <-stop:
					return false
				}
			}
			return true
		})
	}()
	for block := range ordered {
		if _, err := out.Write(<-block.text); err != nil {
			return err
		}
	}
	return readErr
}

// forBlocks gives the lines that are not blank to a function, some at a time, until it returns false.
func forBlocks(in io.Reader, take func(lines []string) bool) error {
	reader := bufio.NewReader(in)
	for {
		var lines []string
		var err error
		for len(lines) < blockLines && err == nil {
			var line string
			if line, err = reader.ReadString('\n'); strings.TrimSpace(line) != "" {
				lines = append(lines, line)
			}
		}
		if len(lines) > 0 && !take(lines) {
			return nil
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}
