package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/conformance"
)

// runConformance is the adapter that interop/CONFORMANCE.md describes.
func runConformance(std streams, args []string) int {
	runs := map[string]func(streams, []string) int{
		"dump": runDump, "predict": runAnswers, "format": runFormat,
	}
	if len(args) == 0 || runs[args[0]] == nil {
		fmt.Fprintln(std.err, "usage: mlcore conformance (dump DIR | predict DIR | format)")
		return 2
	}
	return runs[args[0]](std, args[1:])
}

func runDump(std streams, args []string) int {
	flags := newFlags(std, "dump", "[--read] DIR")
	read := flags.Bool("read", false, "read the files instead of mapping them")
	if code := parseFlags(std, flags, args, 1); code >= 0 {
		return code
	}
	result, err := conformance.Dump(flags.Arg(0), mlcore.Options{DisableMmap: *read})
	if err != nil {
		return refuseModel(std, err)
	}
	return printJSON(std, result, 0)
}

func runAnswers(std streams, args []string) int {
	flags := newFlags(std, "conformance predict", "[--read] DIR < requests.jsonl")
	read := flags.Bool("read", false, "read the files instead of mapping them")
	if code := parseFlags(std, flags, args, 1); code >= 0 {
		return code
	}
	model, err := mlcore.Open(flags.Arg(0), mlcore.Options{DisableMmap: *read})
	if err != nil {
		return refuseModel(std, err)
	}
	defer model.Close()
	return mapLines(std, func(line string) []byte { return conformance.Answer(model, line) })
}

func runFormat(std streams, args []string) int {
	flags := newFlags(std, "conformance format", `< values.jsonl    (lines {"bits": HEX}, {"string": TEXT}, or a list)`)
	if code := parseFlags(std, flags, args, 0); code >= 0 {
		return code
	}
	return mapLines(std, conformance.Format)
}

// refuseModel prints the verdict on a model, for the suite, and the reason, for people.
func refuseModel(std streams, err error) int {
	std.say("error", err.Error())
	var refusal *mlcore.Error
	if !errors.As(err, &refusal) {
		return 3 // no verdict: the suite counts it as a crash
	}
	return printJSON(std, map[string]string{
		"error": string(refusal.Verdict), "stage": string(refusal.Stage),
	}, 1)
}

func printJSON(std streams, value any, code int) int {
	text, err := json.Marshal(value)
	if err == nil {
		err = writeAll(std.out, append(text, '\n'))
	}
	if err != nil {
		return report(std, err)
	}
	return code
}

// mapLines writes what a function makes of each line of standard input that is not blank.
func mapLines(std streams, transform func(line string) []byte) int {
	reader, writer := bufio.NewReader(std.in), bufio.NewWriter(std.out)
	for {
		line, readErr := reader.ReadString('\n')
		if strings.TrimSpace(line) != "" {
			if _, err := writer.Write(transform(line)); err != nil {
				return report(std, writeError(err, "standard output"))
			}
		}
		if readErr == io.EOF {
			break
		}
		if readErr != nil {
			return report(std, readErr)
		}
	}
	if err := writer.Flush(); err != nil {
		return report(std, writeError(err, "standard output"))
	}
	return 0
}
