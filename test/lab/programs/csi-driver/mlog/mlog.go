// Package mlog has the part of monis.app/mlog that the Secrets Store CSI driver calls.
package mlog

import (
	"context"

	"k8s.io/klog/v2"
)

// LogFormat is how a line is written; here there is one.
type LogFormat string

// The formats that the driver may ask for.
const (
	FormatText LogFormat = "text"
	FormatJSON LogFormat = "json"
)

// Setup returns what to call at the end.
func Setup() func() { return klog.Flush }

// ValidateAndSetKlogLevelAndFormatGlobally leaves all as it is: the level came from klog's own flags.
func ValidateAndSetKlogLevelAndFormatGlobally(context.Context, klog.Level, LogFormat) error {
	return nil
}

// Error writes an error, at every level.
func Error(message string, err error, pairs ...any) { klog.ErrorS(err, message, pairs...) }

// Fatal writes the error and ends the process.
func Fatal(err error) { klog.Fatal(err) }
