package main

import (
	"fmt"
	"strconv"
	"time"
)

// settings is what the benchmark tells a peer, by the same variables for all peers.
type settings struct {
	namespace, lease, pod, listen string
	// How long a lease lasts.
	duration time.Duration
	// How many Leases, and how many members each has, in this one process.
	leases, members int
}

// place is one member's place in the election of one Lease.
type place struct{ lease, pod string }

func readSettings(variable func(string) string) (settings, error) {
	read := settings{
		namespace: variable("BENCH_NAMESPACE"),
		lease:     variable("BENCH_LEASE"),
		pod:       variable("BENCH_POD"),
		listen:    variable("BENCH_LISTEN"),
	}
	numbers := map[string]int{}
	for name, otherwise := range map[string]string{"BENCH_SECONDS": "15", "BENCH_LEASES": "1", "BENCH_MEMBERS": "1"} {
		text := variable(name)
		if text == "" {
			text = otherwise
		}
		number, err := strconv.Atoi(text)
		if err != nil || number < 1 {
			return read, fmt.Errorf("wanted %s to be a number from 1, found %q", name, text)
		}
		numbers[name] = number
	}
	if read.namespace == "" || read.lease == "" || read.pod == "" {
		return read, fmt.Errorf("wanted BENCH_NAMESPACE, BENCH_LEASE and BENCH_POD, found one of them empty")
	}
	if read.listen == "" {
		read.listen = ":4040"
	}
	read.duration = time.Duration(numbers["BENCH_SECONDS"]) * time.Second
	read.leases, read.members = numbers["BENCH_LEASES"], numbers["BENCH_MEMBERS"]
	return read, nil
}

// places are the names as they were told for a single member, and numbered ones for a crowd.
func (s settings) places() []place {
	if s.leases*s.members == 1 {
		return []place{{s.lease, s.pod}}
	}
	var places []place
	for lease := range s.leases {
		for member := range s.members {
			name := s.lease
			if s.leases > 1 {
				name = fmt.Sprintf("%s-%d", s.lease, lease)
			}
			places = append(places, place{name, fmt.Sprintf("%s-%d-%d", s.pod, lease, member)})
		}
	}
	return places
}
