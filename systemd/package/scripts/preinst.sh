# Nothing is changed yet: where files on this machine have a format that this version can not read, it ends here.
if [ "$1" = install ] || [ "$1" = upgrade ]; then
    :
fi
