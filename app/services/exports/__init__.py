"""Exports: whole data sets for auditors, as of a moment, streamed and signed for.

A data set is one declaration (`catalogue`): its columns with what they mean, and where its rows
come from. Everything else follows: the statement of each format (`statements`), the files
(`encoders`), the audit events (`subjects`), the manifest (`manifests`).
"""
