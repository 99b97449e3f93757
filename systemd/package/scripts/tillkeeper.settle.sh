# Printers and serial ports by the names of 60-tillkeeper.rules; folders of the sockets; the kernel's settings.
systemd-tmpfiles --create @NAME@.conf || true
if [ -e /run/udev/control ]; then
    udevadm control --reload || true
    udevadm trigger --subsystem-match=usb --subsystem-match=usbmisc --subsystem-match=tty || true
fi
if [ -d /run/systemd/system ] && ! systemd-detect-virt --quiet --container; then
    /lib/systemd/systemd-sysctl 60-tillkeeper.conf || true
fi
