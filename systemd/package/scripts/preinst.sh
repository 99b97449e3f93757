# Nothing is changed yet: where a file on this machine has a format that this version can not read, it ends here.
if { [ "$1" = install ] || [ "$1" = upgrade ]; } && { [ -e @DATA@ ] || [ -e @CONFIG@ ]; }; then
    python3 -I - '@NAME@' '@VERSION@' '@DATA@' '@CONFIG@' '@FORMATS@' <<'PYTHON'
@READER@
PYTHON
fi
