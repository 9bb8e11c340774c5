package main

import (
	"encoding/json"
	"log"
	"net/http"
)

// answer is what `GET /role` says: of several members, whether one of them leads.
type answer struct {
	Role string `json:"role"`
	Term int64  `json:"term,omitempty"`
	// How many of the members here lead, each in an election of its own.
	Geese int `json:"geese"`
}

func serve(listen string, members []*member) {
	http.HandleFunc("GET /role", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(look(members))
	})
	http.HandleFunc("POST /handover", func(http.ResponseWriter, *http.Request) {
		for _, one := range members {
			one.giveUp()
		}
	})
	log.Fatal(http.ListenAndServe(listen, nil))
}

func look(members []*member) answer {
	found := answer{Role: "duck"}
	for _, one := range members {
		if since := one.leadsSince.Load(); since != 0 {
			found.Role = "goose"
			found.Term = max(found.Term, since)
			found.Geese++
		}
	}
	return found
}
