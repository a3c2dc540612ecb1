package main

import "context"

// blockRequests is how many requests are answered in one go: enough to make handing them over cheap,
// few enough to keep memory small and all cores busy at the end.
const blockRequests = 64

// block is some requests and, once done is closed, their lines.
type block struct {
	requests []listRequest
	text     []byte
	err      error // at the first request that failed; text holds the lines before it
	done     chan struct{}

	lists, short, unknownUsers, knownItems, unknownItems int
	examples                                             []string // of the unknown items, while none is known
}

// answerInOrder answers requests on several goroutines and returns the blocks in the order of the
// requests; the taker waits for each. At most two blocks a goroutine wait to be taken, so
// memory does not grow with the number of requests. The last block holds the error of requests, if
// any. Nothing goes on after the context has ended; the taker ends it when it stops early.
func answerInOrder(
	ctx context.Context, threads int,
	requests func(give func(listRequest) error) error, answer func(*block, *listRequest) error,
) <-chan *block {
	work := make(chan *block)
	ordered := make(chan *block, 2*threads)
	for range threads {
		go func() {
			for block := range work {
				block.answerAll(answer)
			}
		}()
	}
	go func() {
		defer close(ordered)
		defer close(work)
		current := newBlock()
		send := func() error {
			for _, channel := range []chan *block{ordered, work} {
				select {
				case channel <- current:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			current = newBlock()
			return nil
		}
		err := requests(func(request listRequest) error {
			current.requests = append(current.requests, request)
			if len(current.requests) < blockRequests {
				return nil
			}
			return send()
		})
		if ctx.Err() != nil || (len(current.requests) > 0 && send() != nil) || err == nil {
			return
		}
		current.err = err
		close(current.done)
		select {
		case ordered <- current:
		case <-ctx.Done():
		}
	}()
	return ordered
}

func newBlock() *block { return &block{done: make(chan struct{})} }

func (b *block) answerAll(answer func(*block, *listRequest) error) {
	defer close(b.done)
	for index := range b.requests {
		if b.err = answer(b, &b.requests[index]); b.err != nil {
			return
		}
	}
}

// wait returns once the block is done, and reports whether it is.
func (b *block) wait(ctx context.Context) bool {
	select {
	case <-b.done:
		return true
	case <-ctx.Done():
		return false
	}
}
