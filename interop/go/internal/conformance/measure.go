package conformance

import (
	"errors"
	"sync"
	"time"

	mlcore "github.com/mlcore/mlcore/interop/go"
)

// Measured is how long a model takes to open and to answer, in seconds, and how many lists a while gives.
type Measured struct {
	Open    float64 `json:"open"`
	First   float64 `json:"first"` // with the first answer
	Lists   int64   `json:"lists"`
	Seconds float64 `json:"seconds"`
	Bytes   int64   `json:"bytes"`
}

// Measure opens a model and answers the lines again and again, on goroutines, for a while and half of it
// before as a warm-up.
func Measure(dir string, lines []string, seconds float64, threads int) (*Measured, error) {
	if len(lines) == 0 {
		return nil, errors.New("requests: expected at least one, got none")
	}
	requests := make([]request, len(lines))
	for index, line := range lines {
		requests[index] = parseRequest(line)
	}
	begin := time.Now()
	model, err := mlcore.Open(dir, mlcore.Options{})
	if err != nil {
		return nil, err
	}
	defer model.Close()
	var found Measured
	found.Open = time.Since(begin).Seconds()
	requests[0].list(model, nil)
	found.First = time.Since(begin).Seconds()
	goOn(model, requests, seconds/2, threads)
	begin = time.Now()
	found.Lists, found.Bytes = goOn(model, requests, seconds, threads)
	found.Seconds = time.Since(begin).Seconds()
	return &found, nil
}

// goOn answers requests for so many seconds, and returns the numbers of lists and of their bytes.
func goOn(model *mlcore.Model, requests []request, seconds float64, threads int) (lists, size int64) {
	until := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	var group sync.WaitGroup
	var lock sync.Mutex
	for thread := range threads {
		group.Add(1)
		go func() {
			defer group.Done()
			var ownLists, ownSize int64
			var text []byte
			for place := len(requests) * thread / threads; ; place++ {
				text = requests[place%len(requests)].list(model, text[:0])
				ownLists++
				ownSize += int64(len(text))
				if !time.Now().Before(until) {
					break
				}
			}
			lock.Lock()
			defer lock.Unlock()
			lists, size = lists+ownLists, size+ownSize
		}()
	}
	group.Wait()
	return lists, size
}
