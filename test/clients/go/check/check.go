// Package check is what the Go clients share: their settings, their tags and the
// counting of checks.
//
// Every value a client sends carries a tag that no other session and no other process
// uses, so an answer that went to the wrong session cannot pass for the right one.
package check

import (
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// CopyRows is the length of one COPY, CancelTime the most a cancel may take.
const (
	CopyRows   = 50
	CancelTime = 5 * time.Second
)

// Watch counts the queries asleep whose text has the tag $1 in it.
const Watch = "select count(*) from pg_stat_activity " +
	"where wait_event = 'PgSleep' and strpos(query, $1) > 0"

var (
	Clients = number("CLIENTS", 12)
	Rounds  = number("ROUNDS", 20)

	checks     atomic.Int64
	cancelling sync.Mutex
)

func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// Fail ends the process with one line.
func Fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "failed: "+format+"\n", args...)
	os.Exit(1)
}

// Must fails if ERR is an error.
func Must(what string, err error) {
	if err != nil {
		Fail("%s: expected no error, got %v", what, err)
	}
}

// Expect counts one check, or says what was expected and what came.
func Expect(what string, expected, came any) {
	if !reflect.DeepEqual(expected, came) {
		Fail("%s: expected %v, got %v", what, expected, came)
	}
	checks.Add(1)
}

// Tag is different for every process, session and round.
func Tag(session, n int) string {
	return fmt.Sprintf("%d-s%d-r%d", os.Getpid(), session, n)
}

// OwnWord is different for every process and session.
func OwnWord(session int) string {
	return fmt.Sprintf("p%ds%d", os.Getpid(), session)
}

// Left is how many rows transaction N leaves: every third one commits.
func Left(n int) int {
	if n%3 == 0 {
		return 1
	}
	return 0
}

// Cancel runs SLEEP, and STOP once ASLEEP says that it sleeps. A sleeping query
// occupies a server and ASLEEP needs another one, so a process cancels one at a time.
func Cancel(sleep func() string, asleep func() bool, stop func()) {
	cancelling.Lock()
	defer cancelling.Unlock()
	start := time.Now()
	ended := make(chan string, 1)
	go func() { ended <- sleep() }()
	for !asleep() && time.Since(start) < CancelTime {
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	Expect("cancelled query", "57014", <-ended)
	Expect("cancelled in time", true, time.Since(start) < CancelTime)
}

// Sessions runs SESSION(number) in Clients goroutines.
func Sessions(session func(int)) {
	var all sync.WaitGroup
	for number := range Clients {
		all.Add(1)
		go func() {
			defer all.Done()
			session(number)
		}()
	}
	all.Wait()
}

// Finish prints the line of success of DRIVER, the module at PATH.
func Finish(driver, path string) {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == path {
				version = dep.Version[1:]
			}
		}
	}
	fmt.Printf("ok %s %s %d checks\n", driver, version, checks.Load())
}
