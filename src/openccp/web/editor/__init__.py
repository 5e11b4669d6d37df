"""The editor of methods: a descriptor as a form, without loss, and back."""
