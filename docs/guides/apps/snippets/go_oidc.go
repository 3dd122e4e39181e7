// An app with go-oidc. The redirect URI is {the app}/callback.
//   apt-get install golang-go golang-github-coreos-go-oidc-dev
package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"

	oidc "github.com/coreos/go-oidc"
	"golang.org/x/oauth2"
)

type person struct {
	Sub    string   `json:"sub"`
	Name   string   `json:"name"`
	Email  string   `json:"email"`
	Groups []string `json:"groups"`
}

type session struct {
	state, nonce, verifier string
	person                 *person
}

// Your session store instead: by the value of the cookie.
var (
	mutex    sync.Mutex
	sessions = map[string]session{}
)

var appURL = os.Getenv("APP_URL")

func random() string {
	bytes := make([]byte, 32)
	if _, err := rand.Read(bytes); err != nil {
		log.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(bytes)
}

func open(w http.ResponseWriter, value session) {
	id := random()
	mutex.Lock()
	sessions[id] = value
	mutex.Unlock()
	http.SetCookie(w, &http.Cookie{
		Name: "session", Value: id, Path: "/", HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(appURL, "https:"),
	})
}

func find(r *http.Request) (string, session) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return "", session{}
	}
	mutex.Lock()
	defer mutex.Unlock()
	return cookie.Value, sessions[cookie.Value]
}

func main() {
	clientID := os.Getenv("QR_LOGIN_CLIENT_ID")
	provider, err := oidc.NewProvider(oauth2.NoContext, os.Getenv("QR_LOGIN_ISSUER"))
	if err != nil {
		log.Fatal(err)
	}
	config := oauth2.Config{
		ClientID:     clientID,
		ClientSecret: os.Getenv("QR_LOGIN_CLIENT_SECRET"),
		Endpoint:     provider.Endpoint(),
		RedirectURL:  appURL + "/callback",
		Scopes:       []string{oidc.ScopeOpenID, "profile", "email", "groups"},
	}
	verifier := provider.Verifier(&oidc.Config{ClientID: clientID})

	http.HandleFunc("/sign-in", func(w http.ResponseWriter, r *http.Request) {
		begun := session{state: random(), nonce: random(), verifier: random()}
		open(w, begun)
		digest := sha256.Sum256([]byte(begun.verifier))
		http.Redirect(w, r, config.AuthCodeURL(begun.state, oidc.Nonce(begun.nonce),
			oauth2.SetAuthURLParam("code_challenge", base64.RawURLEncoding.EncodeToString(digest[:])),
			oauth2.SetAuthURLParam("code_challenge_method", "S256")), http.StatusSeeOther)
	})

	http.HandleFunc("/callback", func(w http.ResponseWriter, r *http.Request) {
		id, begun := find(r)
		mutex.Lock()
		delete(sessions, id)
		mutex.Unlock()
		if begun.state == "" || r.URL.Query().Get("state") != begun.state {
			http.Error(w, "begin again", http.StatusBadRequest)
			return
		}
		tokens, err := config.Exchange(r.Context(), r.URL.Query().Get("code"),
			oauth2.SetAuthURLParam("code_verifier", begun.verifier))
		if err != nil {
			http.Error(w, "no tokens", http.StatusBadGateway)
			return
		}
		raw, _ := tokens.Extra("id_token").(string)
		idToken, err := verifier.Verify(r.Context(), raw)
		// go-oidc leaves the nonce to the app.
		if err != nil || idToken.Nonce != begun.nonce {
			http.Error(w, "wrong ID token", http.StatusBadGateway)
			return
		}
		var found person
		if err := idToken.Claims(&found); err != nil {
			http.Error(w, "wrong claims", http.StatusBadGateway)
			return
		}
		// A new session id, so that a session from before the sign-in is of no use.
		open(w, session{person: &found})
		http.Redirect(w, r, appURL+"/", http.StatusSeeOther)
	})

	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, current := find(r)
		if current.person == nil {
			w.WriteHeader(http.StatusUnauthorized)
			w.Write([]byte(`<a href="/sign-in">Sign in</a>`))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(current.person)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
