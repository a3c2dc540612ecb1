package main

import (
	"bufio"
	"encoding/json"
	"io"
	"runtime"
	"strings"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/conformance"
)

// runConformance is the adapter that interop/CONFORMANCE.md describes.
func runConformance(std streams, args []string) int {
	runs := map[string]func(streams, []string) int{
		"dump": runDump, "predict": runAnswers, "format": runFormat,
		"lists": runLists, "corpus": runCorpus, "measure": runMeasure,
	}
	if len(args) == 0 || runs[args[0]] == nil {
		std.say("usage", "mlcore conformance (dump DIR | predict DIR | format | lists DIR | corpus | measure DIR)")
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
	return mapLines(std, 1, func(line string) []byte { return conformance.Answer(model, line) })
}

func runFormat(std streams, args []string) int {
	flags := newFlags(std, "conformance format", `< values.jsonl    (lines {"bits": HEX}, {"string": TEXT}, or a list)`)
	if code := parseFlags(std, flags, args, 0); code >= 0 {
		return code
	}
	return mapLines(std, 1, conformance.Format)
}

func runLists(std streams, args []string) int {
	flags := newFlags(std, "conformance lists", "DIR [--threads N] < requests.jsonl")
	threads := flags.Int("threads", runtime.GOMAXPROCS(0), "how many requests are answered at a time")
	if code := parseFlags(std, flags, directoryLast(args), 1); code >= 0 {
		return code
	}
	model, err := mlcore.Open(flags.Arg(0), mlcore.Options{})
	if err != nil {
		return refuseModel(std, err)
	}
	defer model.Close()
	return mapLines(std, *threads, func(line string) []byte { return conformance.List(model, line) })
}

func runCorpus(std streams, args []string) int {
	flags := newFlags(std, "conformance corpus", `< lines    (each {"model": DIR, "requests": [TEXT, ...]})`)
	if code := parseFlags(std, flags, args, 0); code >= 0 {
		return code
	}
	var fault error
	code := mapLines(std, 1, func(line string) []byte {
		answer, err := conformance.AnswerCorpus(line)
		if err != nil && fault == nil {
			fault = err
		}
		return answer
	})
	if code == 0 && fault != nil {
		return report(std, fault)
	}
	return code
}

func runMeasure(std streams, args []string) int {
	flags := newFlags(std, "conformance measure", "DIR [--seconds S] [--threads N] < requests.jsonl")
	seconds := flags.Float64("seconds", 3, "how long to answer")
	threads := flags.Int("threads", 1, "how many requests are answered at a time")
	if code := parseFlags(std, flags, directoryLast(args), 1); code >= 0 {
		return code
	}
	text, err := io.ReadAll(std.in)
	if err != nil {
		return report(std, err)
	}
	lines := strings.FieldsFunc(string(text), func(c rune) bool { return c == '\n' })
	result, err := conformance.Measure(flags.Arg(0), lines, *seconds, max(1, *threads))
	if _, isRefused := conformance.RefusalOf(err); isRefused {
		return refuseModel(std, err)
	}
	if err != nil {
		return report(std, err)
	}
	return printJSON(std, result, 0)
}

// directoryLast puts a directory that comes first behind the flags, where package flag wants it.
func directoryLast(args []string) []string {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return args
	}
	return append(append([]string{}, args[1:]...), args[0])
}

// refuseModel prints the verdict on a model, for the suite, and the reason, for people.
func refuseModel(std streams, err error) int {
	std.say("error", err.Error())
	refused, isRefused := conformance.RefusalOf(err)
	if !isRefused {
		return 3 // no verdict: the suite counts it as a crash
	}
	return printJSON(std, refused, 1)
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
func mapLines(std streams, threads int, transform func(line string) []byte) int {
	writer := bufio.NewWriter(std.out)
	err := conformance.MapLines(std.in, writer, max(1, threads), transform)
	if err == nil {
		err = writer.Flush()
	}
	if err != nil {
		return report(std, writeError(err, "standard output"))
	}
	return 0
}
