package netfilter_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/netfilter"
	"github.com/fsh-sh/fsh/policy"
)

// A program of one's own filters what goes through an HTTP proxy.
func ExampleNew() {
	rules, err := netfilter.Compile(policy.Network{
		AllowedDomains: []policy.HostRule{{Entry: "*.example.com"}},
		LocalOutbound:  policy.LocalOutbound{Mode: "none"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	denied := make(chan string, 1)
	server, err := netfilter.New(netfilter.Config{
		Rules: rules, Listeners: netfilter.Listeners{HTTP: door},
		Emit: func(e events.Event) {
			if e.Denied {
				denied <- e.Target
			}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx) }()
	client := http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: door.Addr().String()})}}
	answer, err := client.Get("http://elsewhere.test/")
	if err != nil {
		fmt.Println(err)
		return
	}
	answer.Body.Close()
	client.CloseIdleConnections()
	fmt.Println(answer.StatusCode, <-denied)
	stop()
	<-done
	// Output:
	// 403 elsewhere.test:80
}
