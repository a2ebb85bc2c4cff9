// Command second-opinion judges service-account tokens against federated credentials with go-oidc, an OpenID Connect
// library that has nothing in common with the sandbox. It reads a JSON array of cases from standard input and writes
// one of verdicts, in the same order. Discovery documents and keys are fetched as Entra fetches them: by the issuer
// that the credential names.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// One credential, and the token that is presented to it.
type presented struct {
	Issuer   string `json:"issuer"`
	Subject  string `json:"subject"`
	Audience string `json:"audience"`
	Token    string `json:"token"`
	// When it is presented; now, where it is not said.
	At time.Time `json:"at"`
}

type verdict struct {
	Accepted bool `json:"accepted"`
	// Why not, in the words of the library.
	Error string `json:"error,omitempty"`
}

func judge(ctx context.Context, one presented) error {
	provider, err := oidc.NewProvider(ctx, one.Issuer)
	if err != nil {
		return err
	}
	config := oidc.Config{ClientID: one.Audience}
	if !one.At.IsZero() {
		config.Now = func() time.Time { return one.At }
	}
	token, err := provider.Verifier(&config).Verify(ctx, one.Token)
	if err != nil {
		return err
	}
	// To the library a subject is whatever the issuer says; which one is meant, the credential says.
	if token.Subject != one.Subject {
		return fmt.Errorf("expected subject %q got %q", one.Subject, token.Subject)
	}
	return nil
}

func main() {
	var cases []presented
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		log.Fatal(err)
	}
	verdicts := make([]verdict, len(cases))
	for i, one := range cases {
		err := judge(context.Background(), one)
		verdicts[i].Accepted = err == nil
		if err != nil {
			verdicts[i].Error = err.Error()
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(verdicts); err != nil {
		log.Fatal(err)
	}
}
